package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sector is what a disk writes whole or not at all, in bytes.
const sector = 512

// change is what was done to a file since it was last synced.
type change struct {
	offset int64
	before []byte // what stood there, as far as the file went
	after  []byte // nil where the file was cut off at the offset
	size   int64  // of the file before
}

// Watch remembers from now on what is not synced yet, so that power can be lost.
func (d *Disk) Watch() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watched = true
}

// remember notes a write that is about to happen. The caller holds the lock.
func (d *Disk) remember(name string, offset int64, after []byte) error {
	if !d.watched {
		return nil
	}
	size, before, err := readAt(name, offset, len(after))
	d.unsynced[name] = append(d.unsynced[name], change{offset, before, append([]byte{}, after...), size})
	return err
}

// rememberCut notes that a file is about to be cut off.
func (d *Disk) rememberCut(name string, offset int64) error {
	if !d.watched {
		return nil
	}
	size, err := sizeOf(name)
	if err != nil {
		return err
	}
	_, before, err := readAt(name, offset, int(max(0, size-offset)))
	d.unsynced[name] = append(d.unsynced[name], change{offset, before, nil, size})
	return err
}

func readAt(name string, offset int64, n int) (size int64, text []byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, nil, err
	}
	text = make([]byte, n)
	n, err = f.ReadAt(text, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return info.Size(), text[:n], err
}

// LosePower puts the files into a folder as they may be if power is lost now: of what was
// not synced some is there and some is not, in any order, and some in part. Whoever works
// on the disk goes on there.
func (d *Disk) LosePower(folder string, r *rand.Rand) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	files, err := os.ReadDir(d.dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), "-shm") {
			continue // it is memory
		}
		name := filepath.Join(folder, f.Name())
		text, err := os.ReadFile(d.Path(f.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(name, afterLoss(text, d.unsynced[d.Path(f.Name())], r), 0o600)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	return nil
}

// afterLoss takes all changes back, and makes some of them again.
func afterLoss(text []byte, changes []change, r *rand.Rand) []byte {
	for _, c := range slices.Backward(changes) {
		text = put(text, c.offset, c.before)
		text = put(text, c.size, nil)[:c.size]
	}
	for _, c := range changes {
		switch {
		case r.IntN(2) == 0: // lost
		case c.after == nil:
			text = put(text, c.offset, nil)[:c.offset]
		default:
			for at := 0; at < len(c.after); at += sector {
				if r.IntN(8) > 0 {
					text = put(text, c.offset+int64(at), c.after[at:min(at+sector, len(c.after))])
				}
			}
		}
	}
	return text
}

// put writes into a file's text, which grows where it must.
func put(text []byte, offset int64, what []byte) []byte {
	if grown := int(offset) + len(what) - len(text); grown > 0 {
		text = append(text, make([]byte, grown)...)
	}
	copy(text[offset:], what)
	return text
}
