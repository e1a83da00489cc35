package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/peisear/peisear/internal/base/errs"
)

// Argon2 is the cost of hashing a password with argon2id.
type Argon2 struct {
	Memory  uint32 // KiB
	Time    uint32
	Threads uint8
}

// StandardArgon2 is the cost for real passwords: 19 MiB, two passes, one thread.
func StandardArgon2() Argon2 { return Argon2{Memory: 19456, Time: 2, Threads: 1} }

const (
	saltLength = 16
	hashLength = 32
)

// phc is a password's hash as it is kept: $argon2id$v=19$m=19456,t=2,p=1$salt$hash.
type phc struct {
	cost       Argon2
	salt, hash []byte
}

func newPHC(password string, cost Argon2) phc {
	p := phc{cost: cost, salt: make([]byte, saltLength)}
	rand.Read(p.salt) // never fails
	p.hash = p.of(password, hashLength)
	return p
}

func (p phc) of(password string, length uint32) []byte {
	return argon2.IDKey([]byte(password), p.salt, p.cost.Time, p.cost.Memory, p.cost.Threads, length)
}

func (p phc) matches(password string) bool {
	return subtle.ConstantTimeCompare(p.hash, p.of(password, uint32(len(p.hash)))) == 1
}

func (p phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		p.cost.Memory, p.cost.Time, p.cost.Threads, b64.EncodeToString(p.salt), b64.EncodeToString(p.hash))
}

var errPHC = errors.New("not an argon2id hash")

// maxCost bounds what a kept hash may ask for, so that a damaged row does not take
// all memory.
const maxMemory, maxTime = 1 << 20, 64

func parsePHC(text string) (p phc, err error) {
	part := strings.Split(text, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" || part[2] != fmt.Sprint("v=", argon2.Version) {
		return phc{}, errPHC
	}
	if _, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &p.cost.Memory, &p.cost.Time, &p.cost.Threads); err != nil {
		return phc{}, errPHC
	}
	var saltErr, hashErr error
	p.salt, saltErr = base64.RawStdEncoding.DecodeString(part[4])
	p.hash, hashErr = base64.RawStdEncoding.DecodeString(part[5])
	c := p.cost
	if saltErr != nil || hashErr != nil || len(p.hash) < 16 || len(p.hash) > 64 ||
		c.Memory < 8 || c.Memory > maxMemory || c.Time < 1 || c.Time > maxTime || c.Threads < 1 {
		return phc{}, errPHC
	}
	return p, nil
}

// weaker reports whether a hash costs less than the standard asks for now.
func (p phc) weaker(standard Argon2) bool {
	return p.cost.Memory < standard.Memory || p.cost.Time < standard.Time
}

// dummy is verified when there is no account, so that the answer takes as long. No
// password matches it: nobody finds one whose hash is all zeroes.
func dummy(cost Argon2) phc {
	return phc{cost: cost, salt: make([]byte, saltLength), hash: make([]byte, hashLength)}
}

// gate lets one hash run at a time, because each takes its memory and a core. Some
// wait in front of it for a short while; who comes beyond is asked to come later.
//
// More at a time are faster where there are more cores, but their memory is garbage
// faster than it is collected: with half of 32 cores 64 logins took the process to 848
// MiB. One does 40 logins a second.
type gate struct {
	slots   chan struct{}
	waiting chan struct{}
	patient time.Duration
	passed  atomic.Int64 // how often somebody has entered
	refused atomic.Int64 // and how often not
}

// maxHashes, maxWaiting and patience bound the hashes and the queue in front of them.
const (
	maxHashes  = 1
	maxWaiting = 64
	patience   = 5 * time.Second
)

func newGate() *gate { return sizedGate(maxHashes, maxWaiting, patience) }

func sizedGate(slots, waiting int, patient time.Duration) *gate {
	return &gate{slots: make(chan struct{}, slots), waiting: make(chan struct{}, waiting), patient: patient}
}

// enter waits for a slot; call leave when done with it.
// Unavailable: too many are waiting, or the wait took too long.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	if err := g.wait(ctx); err != nil {
		g.refused.Add(1)
		return nil, err
	}
	g.passed.Add(1)
	return func() {
		collect()
		<-g.slots
	}, nil
}

// maxGarbage is how much may lie about after a hash before the next one begins, unless
// more than twice of it is in use.
const maxGarbage = 30 << 20

// collect frees the memory of hashes before there is much of it: the collector itself
// comes when the heap has grown several times, which is late for 19 MiB at a time. With
// it 400 logins at one time stay below 110 MiB, where they took 189.
func collect() {
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(heap)
	all, live := heap[0].Value.Uint64(), heap[1].Value.Uint64()
	if all > live+max(maxGarbage, live/2) {
		runtime.GC()
	}
}

func (g *gate) wait(ctx context.Context) error {
	select {
	case g.slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case g.waiting <- struct{}{}:
		defer func() { <-g.waiting }()
	default:
		return errBusy()
	}
	timer := time.NewTimer(g.patient)
	defer timer.Stop()
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return errBusy()
	case <-ctx.Done():
		return errs.From(ctx.Err(), errs.Unavailable, "the request was given up")
	}
}

func errBusy() error {
	return errs.Later(errs.Unavailable, 2*time.Second, "many people are signing in right now; try again in a moment")
}

// hash returns the PHC string of a new password. Unavailable: as in enter.
func (s *Service) hash(ctx context.Context, password string) (string, error) {
	leave, err := s.gate.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return newPHC(password, s.settings.Passwords).String(), nil
}
