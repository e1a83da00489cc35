package disk

import (
	"fmt"
	"os"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// layer is SQLite's default file system once it is installed. There is one in a
// process, because SQLite knows one default. What is on no Disk passes it untouched.
var layer struct {
	once   sync.Once
	result int32
	below  uintptr // the operating system's

	mu     sync.RWMutex
	disks  []*Disk
	open   map[uintptr]file    // by the address of SQLite's own
	tables map[uintptr]uintptr // ours, by those below
}

// file is an open file of a disk.
type file struct {
	disk  *Disk
	name  string
	below *sqlite3.Tsqlite3_io_methods
}

func install() error {
	layer.once.Do(func() {
		tls := libc.NewTLS()
		defer tls.Close()
		name, err := libc.CString("disk")
		if err != nil {
			layer.result = sqlite3.SQLITE_NOMEM
			return
		}
		layer.open, layer.tables = map[uintptr]file{}, map[uintptr]uintptr{}
		layer.below = sqlite3.Xsqlite3_vfs_find(tls, 0)
		ours := copied[sqlite3.Tsqlite3_vfs](tls, layer.below)
		self := at[sqlite3.Tsqlite3_vfs](ours)
		self.FpNext, self.FzName = 0, name
		self.FxOpen, self.FxDelete = pointer(xOpen), pointer(xDelete)
		layer.result = sqlite3.Xsqlite3_vfs_register(tls, ours, 1)
	})
	if layer.result != sqlite3.SQLITE_OK {
		return fmt.Errorf("SQLite does not take another file system: %d", layer.result)
	}
	return nil
}

// copied is a copy in memory that SQLite may keep. It lives as long as the process.
func copied[T any](tls *libc.TLS, address uintptr) uintptr {
	to := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(*at[T](address))))
	*at[T](to) = *at[T](address)
	return to
}

// at is what stands at an address that SQLite has given.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// pointer is a function as SQLite keeps it, and function is the way back.
func pointer(f any) uintptr { return (*[2]uintptr)(unsafe.Pointer(&f))[1] }

func function[F any](pointer uintptr) F { return *(*F)(unsafe.Pointer(&struct{ uintptr }{pointer})) }

func xOpen(tls *libc.TLS, _, zName, pFile uintptr, flags int32, pOut uintptr) int32 {
	below := function[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](at[sqlite3.Tsqlite3_vfs](layer.below).FxOpen)
	code := below(tls, layer.below, zName, pFile, flags, pOut)
	if code != sqlite3.SQLITE_OK || zName == 0 {
		return code
	}
	name := libc.GoString(zName)
	layer.mu.Lock()
	defer layer.mu.Unlock()
	for _, d := range layer.disks {
		if !d.has(name) {
			continue
		}
		f := at[sqlite3.Tsqlite3_file](pFile)
		layer.open[pFile] = file{d, name, at[sqlite3.Tsqlite3_io_methods](f.FpMethods)}
		f.FpMethods = tableOver(tls, f.FpMethods)
	}
	return code
}

// tableOver returns our methods for a file whose methods are those below: the same, but
// for what disks refuse.
func tableOver(tls *libc.TLS, below uintptr) uintptr {
	ours, known := layer.tables[below]
	if !known {
		ours = copied[sqlite3.Tsqlite3_io_methods](tls, below)
		table := at[sqlite3.Tsqlite3_io_methods](ours)
		table.FxClose, table.FxRead, table.FxWrite = pointer(xClose), pointer(xRead), pointer(xWrite)
		table.FxTruncate, table.FxSync, table.FxShmMap = pointer(xTruncate), pointer(xSync), pointer(xShmMap)
		layer.tables[below] = ours
	}
	return ours
}

func opened(pFile uintptr) file {
	layer.mu.RLock()
	defer layer.mu.RUnlock()
	return layer.open[pFile]
}

func xClose(tls *libc.TLS, pFile uintptr) int32 {
	f := opened(pFile)
	layer.mu.Lock()
	delete(layer.open, pFile)
	layer.mu.Unlock()
	return function[func(*libc.TLS, uintptr) int32](f.below.FxClose)(tls, pFile)
}

func xRead(tls *libc.TLS, pFile, buffer uintptr, n int32, offset int64) int32 {
	f := opened(pFile)
	f.disk.mu.Lock()
	refused := f.disk.refuses(Read)
	f.disk.mu.Unlock()
	if refused {
		return sqlite3.SQLITE_IOERR_READ
	}
	return function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](f.below.FxRead)(tls, pFile, buffer, n, offset)
}

// xWrite refuses as the operating system's does: a part may have been written.
func xWrite(tls *libc.TLS, pFile, buffer uintptr, n int32, offset int64) int32 {
	f := opened(pFile)
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	write := function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](f.below.FxWrite)
	if f.disk.refuses(Write) {
		return sqlite3.SQLITE_IOERR_WRITE
	}
	size, err := sizeOf(f.name)
	if err != nil {
		return sqlite3.SQLITE_IOERR_FSTAT
	}
	if !f.disk.grows(offset + int64(n) - size) {
		if fits := min(size+f.disk.room-offset, int64(n)); fits > 0 {
			write(tls, pFile, buffer, int32(fits), offset)
			f.disk.room -= max(0, offset+fits-size)
		}
		return sqlite3.SQLITE_FULL
	}
	if err := f.disk.remember(f.name, offset, unsafe.Slice(at[byte](buffer), n)); err != nil {
		return sqlite3.SQLITE_IOERR_READ
	}
	return write(tls, pFile, buffer, n, offset)
}

func xTruncate(tls *libc.TLS, pFile uintptr, size int64) int32 {
	f := opened(pFile)
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.refuses(Write) {
		return sqlite3.SQLITE_IOERR_TRUNCATE
	}
	was, err := sizeOf(f.name)
	if err != nil || f.disk.rememberCut(f.name, size) != nil {
		return sqlite3.SQLITE_IOERR_FSTAT
	}
	f.disk.room += max(0, was-size)
	return function[func(*libc.TLS, uintptr, int64) int32](f.below.FxTruncate)(tls, pFile, size)
}

func xSync(tls *libc.TLS, pFile uintptr, flags int32) int32 {
	f := opened(pFile)
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.refuses(Sync) {
		return sqlite3.SQLITE_IOERR_FSYNC
	}
	delete(f.disk.unsynced, f.name)
	return function[func(*libc.TLS, uintptr, int32) int32](f.below.FxSync)(tls, pFile, flags)
}

// xShmMap counts the index of the WAL, which SQLite maps into memory, as a file too.
func xShmMap(tls *libc.TLS, pFile uintptr, region, size, extend int32, pp uintptr) int32 {
	f := opened(pFile)
	if extend != 0 {
		f.disk.mu.Lock()
		defer f.disk.mu.Unlock()
		was, err := sizeOf(f.name + "-shm")
		if err != nil || !f.disk.grows(int64(region+1)*int64(size)-was) {
			return sqlite3.SQLITE_IOERR_SHMSIZE
		}
	}
	return function[func(*libc.TLS, uintptr, int32, int32, int32, uintptr) int32](f.below.FxShmMap)(tls, pFile, region, size, extend, pp)
}

// xDelete gives the room back.
func xDelete(tls *libc.TLS, _, zName uintptr, syncFolder int32) int32 {
	name := libc.GoString(zName)
	layer.mu.RLock()
	for _, d := range layer.disks {
		if size, err := sizeOf(name); err == nil && d.has(name) {
			d.mu.Lock()
			d.room += size
			delete(d.unsynced, name)
			d.mu.Unlock()
		}
	}
	layer.mu.RUnlock()
	return function[func(*libc.TLS, uintptr, uintptr, int32) int32](at[sqlite3.Tsqlite3_vfs](layer.below).FxDelete)(tls, layer.below, zName, syncFolder)
}

// sizeOf is how long a file is; one that is absent is empty.
func sizeOf(name string) (int64, error) {
	info, err := os.Stat(name)
	if os.IsNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
