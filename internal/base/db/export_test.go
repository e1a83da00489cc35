package db

import (
	"context"
	"time"
)

// Calm lets a database believe that its last trouble was long ago, and Alarm that it is
// never long ago: on a busy machine seconds pass between two calls.
func Calm(d *DB)  { d.condition.calm = 0 }
func Alarm(d *DB) { d.condition.calm *= 1000 }

// Cap lets nothing take longer than this. It is called while nobody uses the database. A
// connection keeps the cap on idling that it was opened with.
func Cap(d *DB, most time.Duration) {
	*d.caps = caps{read: most, write: most, end: most, ask: most, probe: most, look: most, idle: most, sign: most / 3}
}

// CapWrites lets a write, but for its end, take as long as this.
func CapWrites(d *DB, most time.Duration) { d.caps.write = most }

// NameEar gives the connection that listens a name in pg_stat_activity. It is called before
// Watch, or Listen.
func NameEar(d *DB, name string) {
	d.engine.(*postgres).ear.config.RuntimeParams["application_name"] = name
}

// Listen is Watch without its beat: "" is told only by a connection that has begun to
// listen.
func Listen(ctx context.Context, d *DB, told chan<- string) {
	d.engine.(*postgres).ear.run(ctx, told)
}

// Hears reports whether what other processes say is heard.
func Hears(d *DB) bool { return d.engine.(*postgres).ear.hears.Load() }

// Connections is how many readers, and how many writers, work at a time.
func Connections(d *DB) (readers, writers int) {
	pool, _ := d.reader()
	readers = pool.Stats().MaxOpenConnections
	if p, ok := d.engine.(*postgres); ok {
		return readers, p.writers.Stats().MaxOpenConnections
	}
	return readers, 1
}
