// Package secret holds the keys that a process works with.
//
// One master secret is the root of everything that only this installation may
// make: each use derives a key of its own from it, so that no two parts of the
// program ever share one. Beside it stands an RSA key pair, which signs what
// others may verify.
//
//	master, err := secret.NewMaster(text)
//	key := master.Key("refresh token")
//	kept := master.Seal("totp seed", userID, seed)
//
// A secret is replaced while the former one is still known: what was sealed under it
// opens until it is sealed anew.
//
// Where an operator has given none, Keep makes one once and keeps it in a file.
package secret

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// MinLength is how many bytes a master secret has at least.
const MinLength = 32

// keyLength is the length of a derived key, in bytes.
const keyLength = 32

// Master is a secret that other keys are derived from, and those that it replaced.
type Master struct {
	text   string
	former []string
}

// NewMaster returns the master secret; former ones only open and verify. It is an
// error when a text has fewer than MinLength bytes.
func NewMaster(text string, former ...string) (Master, error) {
	for _, one := range append([]string{text}, former...) {
		if len(one) < MinLength {
			return Master{}, fmt.Errorf("has %d bytes, needs at least %d", len(one), MinLength)
		}
	}
	return Master{text, former}, nil
}

// Former returns the secrets that this one replaced, the latest first.
func (m Master) Former() []Master {
	all := make([]Master, 0, len(m.former))
	for _, text := range m.former {
		all = append(all, Master{text: text})
	}
	return all
}

func (m Master) all() []Master { return append([]Master{m}, m.Former()...) }

// Key derives the key of one purpose. The same purpose always gives the same key.
func (m Master) Key(purpose string) []byte {
	if m.text == "" {
		panic("secret: a master without a secret")
	}
	key, err := hkdf.Key(sha256.New, []byte(m.text), nil, "peisear/"+purpose, keyLength)
	if err != nil {
		panic("secret: " + err.Error()) // only a longer key could give one
	}
	return key
}

// Random returns a new master secret's text.
func Random() (string, error) {
	var bytes [keyLength]byte
	rand.Read(bytes[:]) // never fails
	return hex.EncodeToString(bytes[:]), nil
}

// Keep returns the text of a file. When there is none, it makes the text and keeps
// it there, readable by the owner only. Of two processes that start together both
// get the same text.
func Keep(path string, fresh func() (string, error)) (text string, made bool, err error) {
	text, err = read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, false, err
	}
	if text, err = fresh(); err != nil {
		return "", false, err
	}
	err = create(path, text)
	if errors.Is(err, fs.ErrExist) {
		text, err = read(path)
		return text, false, err
	}
	return text, err == nil, err
}

func read(path string) (string, error) {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(bytes))
	if text == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return text, nil
}

// create makes the file. Unlike a rename, a link never replaces one.
func create(path, text string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return write(path, text, os.Link)
}

// Replace puts a text in the place of a file's, which must be there: whoever reads it
// gets the old text or the new one.
func Replace(path, text string) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	return write(path, text, os.Rename)
}

// write puts a text into a file under another name first, so that nobody reads half of
// it, and then gives it its name.
func write(path, text string, name func(from, to string) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if removed := os.Remove(f.Name()); !errors.Is(removed, fs.ErrNotExist) { // a rename took it
			err = errors.Join(err, removed)
		}
	}()
	_, err = f.WriteString(strings.TrimSpace(text) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return name(f.Name(), path)
}
