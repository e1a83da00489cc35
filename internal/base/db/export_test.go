package db

import "time"

// Calm lets a database believe that its last trouble was long ago.
func Calm(d *DB) { d.condition.calm = 0 }

// Cap lets nothing take longer than this. It is called before anybody uses the database.
func Cap(d *DB, most time.Duration) {
	*d.caps = caps{read: most, write: most, end: most, ask: most, probe: most, idle: most, sign: most / 3}
}

// Connections is how many readers, and how many writers, work at a time.
func Connections(d *DB) (readers, writers int) {
	pool, _ := d.reader()
	readers = pool.Stats().MaxOpenConnections
	if p, ok := d.engine.(*postgres); ok {
		return readers, p.writers.Stats().MaxOpenConnections
	}
	return readers, 1
}
