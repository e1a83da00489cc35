package db_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/peisear/peisear/internal/base/basetest/disk"
	"github.com/peisear/peisear/internal/base/db"
)

// TestWritableIsAFigure that tells of trouble, and by itself when it has passed: also when
// nobody else looks.
func TestWritableIsAFigure(t *testing.T) {
	t.Parallel()
	on := disk.New(t)
	d := openOn(t, on)
	all := prometheus.NewRegistry()
	all.MustRegister(d.Collectors()...)
	writable := func() float64 {
		families, err := all.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "peisear_db_writable" {
				return f.GetMetric()[0].GetGauge().GetValue()
			}
		}
		t.Fatal("there is no such figure")
		return 0
	}
	if writable() != 1 {
		t.Error("not writable at first")
	}
	on.Break(disk.Write)
	if err := write(t.Context(), d, func(tx *db.Tx) error { return add(tx, 1) }); err == nil {
		t.Fatal("the disk was not broken")
	}
	if writable() != 0 {
		t.Error("writable on a broken disk")
	}
	on.Mend()
	db.Calm(d)
	if writable() != 1 {
		t.Error("not writable on a disk that is mended")
	}
}
