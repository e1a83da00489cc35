package web

import (
	"fmt"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Download is the answer of an operation that gives a file, written piece by piece.
type Download struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        func(huma.Context)
}

// cut ends an answer that has begun.
type cut struct{ cause error }

// NewDownload answers with a file. write runs when the answer has begun: where it errs
// the connection is cut, so that nobody takes a part of the file for all of it.
func NewDownload(mediaType, name string, write func(w io.Writer) error) *Download {
	return &Download{
		Type:        mediaType,
		Disposition: fmt.Sprintf("attachment; filename=%q", name),
		Body: func(ctx huma.Context) {
			ctx.SetStatus(http.StatusOK)
			if err := write(ctx.BodyWriter()); err != nil {
				panic(cut{err})
			}
		},
	}
}

// Downloads describes an operation whose answer is a Download.
func Downloads(op *Operation, mediaType, description string) {
	op.Responses = map[string]*huma.Response{"200": {
		Description: description,
		Content:     map[string]*huma.MediaType{mediaType: {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
}
