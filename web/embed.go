// Package web holds the built single-page app.
//
// The build (make build) writes it to dist, which is not committed. Without it the binary compiles all the same
// and serves a page that says how to build.
package web

import (
	"embed"
	"io/fs"
)

// Dist is the folder that the build writes to.
//
//go:embed all:dist
var Dist embed.FS

//go:embed stub
var stub embed.FS

// Files returns the built app, or one index.html that says how to build it.
func Files() fs.FS {
	built := sub(Dist, "dist")
	if _, err := fs.Stat(built, "index.html"); err != nil {
		return sub(stub, "stub")
	}
	return built
}

// sub cannot go wrong: the folders are embedded.
func sub(files embed.FS, dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err)
	}
	return f
}
