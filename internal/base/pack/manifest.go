package pack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/peisear/peisear/internal/base/errs"
)

// A manifest is as long as what it says of the whole file, and a bit more for each entry
// that it names: a short file cannot make its reader keep much.
const (
	aboutAll  = 1 << 20
	aboutFile = 256 // beside the name, of which JSON may write a byte as six
)

var errSwollen = errors.New("it is longer than what it can have to say")

// allowance reads up to a bound that grows.
type allowance struct {
	from io.Reader
	left int
}

func (a *allowance) Read(p []byte) (int, error) {
	if a.left <= 0 {
		return 0, errSwollen
	}
	n, err := a.from.Read(p[:min(len(p), a.left)])
	a.left -= n
	return n, err
}

func (r *Reader) readManifest() error {
	entry := r.entries[manifestName]
	if entry == nil {
		return broken("it has no %s", manifestName)
	}
	delete(r.entries, manifestName)
	text, err := entry.Open()
	if err != nil {
		return broken("%v", err)
	}
	defer text.Close() //nolint:errcheck // read only
	from := &allowance{text, aboutAll}
	d := json.NewDecoder(from)
	m := &r.Manifest
	fields := map[string]any{
		"format": &m.Format, "version": &m.Version, "program": &m.Program, "engine": &m.Engine,
		"createdAt": &m.CreatedAt, "schema": &m.Schema, "tables": &m.Tables,
	}
	err = each(d, '{', func() error {
		key, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string) // JSON has no other keys
		if name == "files" {
			return each(d, '[', func() error { return r.readFile(d, from) })
		}
		field := fields[name]
		if field == nil {
			field = new(json.RawMessage)
		}
		return d.Decode(field)
	})
	if _, isOurs := errors.AsType[*errs.Error](err); err != nil && !isOurs {
		return broken("%s: %v", manifestName, err)
	}
	if err != nil {
		return err
	}
	for name := range r.entries {
		if _, named := r.said[name]; !named {
			return broken("nothing names %q", name)
		}
	}
	return nil
}

// readFile takes the next entry that the manifest names.
func (r *Reader) readFile(d *json.Decoder, from *allowance) error {
	var f File
	if err := d.Decode(&f); err != nil {
		return err
	}
	if _, twice := r.said[f.Name]; twice || r.entries[f.Name] == nil {
		return broken("it lacks %q", f.Name)
	}
	r.said[f.Name] = f
	r.Manifest.Files = append(r.Manifest.Files, f)
	from.left += aboutFile + 6*len(f.Name)
	return nil
}

// each calls fn before each element of a list, or each key of an object, until fn has read
// them all. One that is null has none.
func each(d *json.Decoder, begin json.Delim, fn func() error) error {
	switch first, err := d.Token(); {
	case err != nil || first == nil:
		return err
	case first != begin:
		return fmt.Errorf("expected %s", begin)
	}
	for d.More() {
		if err := fn(); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}
