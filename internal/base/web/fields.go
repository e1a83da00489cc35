package web

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/peisear/peisear/internal/base/errs"
)

// Field is a member of a JSON Merge Patch (RFC 7396): absent, null or a value.
type Field[T any] struct {
	Sent  bool // the member is there
	Null  bool // and it is null
	Value T
}

// UnmarshalJSON is called for a member that is there, null or not.
func (f *Field[T]) UnmarshalJSON(text []byte) error {
	f.Sent = true
	if f.Null = bytes.Equal(text, []byte("null")); f.Null {
		return nil
	}
	return json.Unmarshal(text, &f.Value)
}

// Schema is T's, or null.
func (f Field[T]) Schema(r huma.Registry) *huma.Schema {
	schema := *huma.SchemaFromType(r, reflect.TypeFor[T]())
	schema.Nullable = true
	return &schema
}

// Pointer is the value, or nil for null.
func (f Field[T]) Pointer() *T {
	if f.Null {
		return nil
	}
	return &f.Value
}

// Given is the value, or nil when it is absent. Invalid, naming the field: it is null,
// and what it stands for cannot be cleared.
func (f Field[T]) Given(name string) (*T, error) {
	switch {
	case f.Null:
		return nil, errs.Field(name, "cannot be null; leave it out to keep what is there")
	case f.Sent:
		return &f.Value, nil
	}
	return nil, nil
}

// Param is a query parameter that may be absent.
type Param[T any] struct {
	Sent  bool
	Value T
}

// Schema is T's.
func (p Param[T]) Schema(r huma.Registry) *huma.Schema {
	return huma.SchemaFromType(r, reflect.TypeFor[T]())
}

// Receiver and OnParamSet are how huma fills a parameter in.
func (p *Param[T]) Receiver() reflect.Value { return reflect.ValueOf(p).Elem().FieldByName("Value") }

// OnParamSet notes whether the parameter was there.
func (p *Param[T]) OnParamSet(sent bool, _ any) { p.Sent = sent }
