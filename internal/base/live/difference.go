package live

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// shapes knows how types of rows look in JSON. Most changes touch one field of many:
// comparing Go values writes only that one, and reads no long text again.
type shapes struct{ known sync.Map } // reflect.Type -> []field

// field is a member of a row's JSON object.
type field struct {
	name  string
	index []int
}

// difference returns the fields that differ, as they are in new and in old.
func (s *shapes) difference(old, new any) (patch, prior json.RawMessage, err error) {
	before, after := reflect.ValueOf(old), reflect.ValueOf(new)
	if before.Type() != after.Type() {
		return differentTexts(old, new)
	}
	fields := s.of(before.Type())
	if fields == nil {
		return differentTexts(old, new)
	}
	patch, prior = json.RawMessage("{"), json.RawMessage("{")
	for _, f := range fields {
		was, is := before.FieldByIndex(f.index).Interface(), after.FieldByIndex(f.index).Interface()
		if reflect.DeepEqual(was, is) {
			continue
		}
		wasText, err := json.Marshal(was)
		if err != nil {
			return nil, nil, err
		}
		isText, err := json.Marshal(is)
		if err != nil {
			return nil, nil, err
		}
		if !bytes.Equal(wasText, isText) { // one time in two zones is one text
			patch, prior = appendField(patch, f.name, isText), appendField(prior, f.name, wasText)
		}
	}
	return append(patch, '}'), append(prior, '}'), nil
}

func appendField(object []byte, name string, value []byte) []byte {
	if len(object) > 1 {
		object = append(object, ',')
	}
	return append(append(appendText(object, name), ':'), value...)
}

// of returns the fields of a plain row, by name, and nil for any other type: rows are
// structs that encoding/json writes field by field, each under a name of its own.
func (s *shapes) of(t reflect.Type) []field {
	if known, ok := s.known.Load(t); ok {
		return known.([]field) //nolint:forcetypeassert // nothing else is stored
	}
	fields := fieldsOf(t)
	s.known.Store(t, fields)
	return fields
}

func fieldsOf(t reflect.Type) []field {
	if t.Kind() != reflect.Struct || t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return nil
	}
	names := map[string]bool{}
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		tag := f.Tag.Get("json")
		switch {
		case f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct && f.IsExported():
			continue // its own fields are visible too
		case !f.Anonymous && tag == "-":
			continue
		case f.Anonymous, !f.IsExported(), tag == "", strings.ContainsAny(tag, ",-"), names[tag]:
			return nil
		}
		names[tag] = true
		fields = append(fields, field{tag, f.Index})
	}
	slices.SortFunc(fields, func(a, b field) int { return cmp.Compare(a.name, b.name) })
	return fields
}

// differentTexts is difference by the rows' JSON, for what is not a plain row.
func differentTexts(old, new any) (patch, prior json.RawMessage, err error) {
	before, err := members(old)
	if err != nil {
		return nil, nil, err
	}
	after, err := members(new)
	if err != nil {
		return nil, nil, err
	}
	for name, value := range before {
		if bytes.Equal(value, after[name]) {
			delete(before, name)
			delete(after, name)
		}
	}
	if patch, err = json.Marshal(after); err != nil {
		return nil, nil, err
	}
	prior, err = json.Marshal(before)
	return patch, prior, err
}

// members returns a row's JSON object, field by field.
func members(row any) (map[string]json.RawMessage, error) {
	text, err := json.Marshal(row)
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	err = json.Unmarshal(text, &all)
	return all, err
}
