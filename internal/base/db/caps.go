package db

import "time"

// caps bound how long something may take that somebody waits for. Migrations, archives and
// backups have none: they take as long as they must.
type caps struct {
	read  time.Duration // a request's read: a slow reader must not keep old state alive
	write time.Duration // a write of PostgreSQL's until it commits, with the wait for its turn, and a turn
	end   time.Duration // the end of a transaction, and then finding out about it
	ask   time.Duration // what a server that is there answers at once
	probe time.Duration // whether trouble has passed
	look  time.Duration // the same for a scrape
	idle  time.Duration // a write, or a lock, that says nothing to PostgreSQL, because its program has vanished
	sign  time.Duration // between two signs of life of a lock's holder
}

// usual are everybody's caps. To delete a project of 100,000 issues takes seconds, so a
// write may take longer than a read.
func usual() *caps {
	return &caps{
		read:  10 * time.Second,
		write: 30 * time.Second,
		end:   10 * time.Second,
		ask:   2 * time.Second,
		probe: 3 * time.Second,
		look:  time.Second,
		idle:  time.Minute,
		sign:  10 * time.Second,
	}
}
