package db

import "time"

// Calm lets a database believe that its last trouble was long ago.
func Calm(d *DB) { d.condition.calm = 0 }

// Cap lets nothing take longer than this. It is called before anybody uses the database.
func Cap(d *DB, most time.Duration) {
	*d.caps = caps{read: most, write: most, end: most, ask: most, probe: most}
}
