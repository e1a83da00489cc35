// Package disk makes disks that fill up, break and lose power, for tests. It is a layer
// between SQLite and the operating system, so it needs no rights and no file system of
// its own: the files of a Disk are real ones in a folder.
//
//	d := disk.New(t)
//	db.Open(ctx, "sqlite://"+d.Path("app.db"))
//	d.Fill(0)
package disk

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Disk is a folder whose files SQLite reads and writes through this package.
type Disk struct {
	dir string

	mu       sync.Mutex
	bounded  bool
	room     int64 // how many bytes its files may still grow, where it is bounded
	broken   map[Part]bool
	refused  int
	watched  bool
	unsynced map[string][]change // what a loss of power may take, by file
}

// Part is what a broken disk does not do.
type Part string

// The parts that break.
const (
	Read  Part = "read"
	Write Part = "write"
	Sync  Part = "sync"
)

// New returns a disk with room.
func New(t testing.TB) *Disk {
	t.Helper()
	if err := install(); err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir()) // as SQLite names files
	if err != nil {
		t.Fatal(err)
	}
	d := &Disk{dir: dir, broken: map[Part]bool{}, unsynced: map[string][]change{}}
	layer.mu.Lock()
	defer layer.mu.Unlock()
	layer.disks = append(layer.disks, d)
	return d
}

// Path is where a file of the disk is.
func (d *Disk) Path(name string) string { return filepath.Join(d.dir, name) }

// Size is how long a file is, 0 when there is none.
func (d *Disk) Size(name string) int64 {
	info, err := os.Stat(d.Path(name))
	if err != nil {
		return 0
	}
	return info.Size()
}

// Fill lets the files grow by so many bytes more.
func (d *Disk) Fill(room int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bounded, d.room = true, room
}

// Free makes room.
func (d *Disk) Free() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bounded = false
}

// Break lets the disk do these no more.
func (d *Disk) Break(parts ...Part) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range parts {
		d.broken[p] = true
	}
}

// Mend makes it whole.
func (d *Disk) Mend() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.broken)
}

// Refused is how often the disk has refused something since it was made.
func (d *Disk) Refused() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refused
}

// has reports whether a file is on the disk.
func (d *Disk) has(name string) bool { return strings.HasPrefix(name, d.dir+"/") }

// refuses reports whether the disk does not do that now. The caller holds the lock.
func (d *Disk) refuses(p Part) bool {
	if d.broken[p] {
		d.refused++
	}
	return d.broken[p]
}

// grows takes room for a file that is to be longer. The caller holds the lock.
func (d *Disk) grows(bytes int64) bool {
	if bytes <= 0 || !d.bounded {
		return true
	}
	if bytes > d.room {
		d.refused++
		return false
	}
	d.room -= bytes
	return true
}
