package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/peisear/peisear/internal/base/basetest"
	"github.com/peisear/peisear/internal/base/db"
)

// TestWhoGoesIsNoTrouble: whoever goes away while they connect, or in the middle of a
// statement, says nothing about the database.
func TestWhoGoesIsNoTrouble(t *testing.T) {
	basetest.EachURL(t, func(t *testing.T, url string) {
		for after := range 40 {
			d, err := db.Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Duration(after)*200*time.Microsecond, cancel)
			for err == nil {
				_, err = db.Write(ctx, d, func(tx *db.Tx) (one int, err error) {
					return one, tx.QueryRowContext(ctx, "SELECT 1").Scan(&one)
				})
				if err == nil {
					_, err = db.Snapshot(ctx, d, func(ctx context.Context, c db.Conn) (one int, err error) {
						return one, c.QueryRowContext(ctx, "SELECT 1").Scan(&one)
					})
				}
			}
			if h := d.Health(t.Context()); h.Trouble != "" {
				t.Errorf("%s after %v", h.Trouble, err)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
