// Package file makes files that are there wholly or not at all: written under another
// name, brought to the disk, and only then given their own. It never replaces a file.
package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Create makes a new file, readable by its owner only, with what write puts into it.
// fs.ErrExist: there is one of that name; it stays as it is.
func Create(path string, write func(f *os.File) error) (err error) {
	if _, err := os.Lstat(path); err == nil { // said at once, not after the work
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, gone(os.Remove(f.Name()))) }()
	err = write(f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return Place(f.Name(), path)
}

// Place gives a file that is on disk its name, on the same file system, for good.
// fs.ErrExist: there is one of that name; it stays as it is.
func Place(from, to string) error {
	switch err := os.Link(from, to); {
	case err == nil:
		err = os.Remove(from)
		return errors.Join(err, SyncFolder(filepath.Dir(to)))
	case errors.Is(err, fs.ErrExist):
		return err
	}
	// The file system has no links. Two who do this at one time are not told apart.
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return &fs.PathError{Op: "create", Path: to, Err: fs.ErrExist}
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(to))
}

// SyncFolder makes the names in a folder outlive a loss of power.
func SyncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	err = folder.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil // such file systems have nothing to bring to the disk
	}
	if err := errors.Join(err, folder.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// gone leaves out that there was nothing to remove.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
