package db

// Calm lets a database believe that its last trouble was long ago.
func Calm(d *DB) { d.condition.calm = 0 }
