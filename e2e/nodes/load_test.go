package nodes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// load is writers that create issues, each going to another node when one does not
// answer or cannot write, with the same mutation.
type load struct {
	nodes []*node
	token string
	path  string

	mu       sync.Mutex
	answered map[string]bool // ids of the issues that were acknowledged
	refused  map[int]int     // by status, 0 for no answer
	wrong    []string
	progress chan struct{}
	stop     func()
}

func startLoad(t *testing.T, nodes []*node, token, project string, writers int) *load {
	t.Helper()
	l := &load{
		nodes: nodes, token: token, path: "/api/projects/" + project + "/issues",
		answered: map[string]bool{}, refused: map[int]int{}, progress: make(chan struct{}, 1),
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				l.create(t.Context(), w, fmt.Sprintf("%s-%d-%d", t.Name(), w, i))
			}
		})
	}
	l.stop = func() {
		cancel()
		wg.Wait()
	}
	t.Cleanup(l.stop)
	return l
}

// create tries until it is answered.
func (l *load) create(ctx context.Context, at int, mutation string) {
	body := fmt.Sprintf(`{"title":%q}`, mutation)
	for ; ctx.Err() == nil; at++ {
		n := l.nodes[at%len(l.nodes)]
		status, answer, err := n.call(ctx, l.token, http.MethodPost, l.path, mutation, body)
		var issue struct{ ID string }
		l.mu.Lock()
		switch {
		case err != nil:
			l.refused[0]++
		case status == http.StatusServiceUnavailable:
			l.refused[status]++
		case status == http.StatusCreated && json.Unmarshal([]byte(answer), &issue) == nil && issue.ID != "":
			l.answered[issue.ID] = true
			l.mu.Unlock()
			l.signal()
			return
		default:
			l.refused[status]++
			l.wrong = append(l.wrong, fmt.Sprintf("%d %s", status, answer))
		}
		l.mu.Unlock()
		l.signal()
		<-time.After(20 * time.Millisecond)
	}
}

func (l *load) signal() {
	select {
	case l.progress <- struct{}{}:
	default:
	}
}

// await waits until the load has come so far.
func (l *load) await(t *testing.T, what string, is func(answered, refused int) bool) {
	t.Helper()
	limit := time.After(patience)
	for {
		l.mu.Lock()
		refused := 0
		for _, n := range l.refused {
			refused += n
		}
		done := is(len(l.answered), refused)
		l.mu.Unlock()
		if done {
			return
		}
		select {
		case <-l.progress:
		case <-limit:
			t.Fatalf("%s: not after %s", what, patience)
		}
	}
}

// end stops the writers and looks whether all that was acknowledged is there, at every
// node and reader, under numbers without gaps.
func (l *load) end(t *testing.T, scope string, readers []*reader) {
	t.Helper()
	l.stop()
	for _, text := range l.wrong {
		t.Error(text)
	}
	for _, n := range l.nodes {
		if n.cmd == nil {
			continue
		}
		snapshot := must[struct {
			Seq      int64
			Entities struct {
				Issue []struct {
					ID     string
					Number int
				}
			}
		}](t, n, l.token, http.MethodGet, "/api/sync/"+scope, "")
		there, numbers := map[string]bool{}, map[int]bool{}
		for _, i := range snapshot.Entities.Issue {
			there[i.ID], numbers[i.Number] = true, true
		}
		for id := range l.answered {
			if !there[id] {
				t.Errorf("%s: the issue %s was acknowledged and is not there", n.url, id)
			}
		}
		for i := range len(there) {
			if !numbers[i+1] {
				t.Errorf("%s: there is no number %d among %d", n.url, i+1, len(there))
			}
		}
		for i, r := range readers {
			r.await(t, fmt.Sprint("reader ", i, " converges"), func() bool { return r.seq == snapshot.Seq })
			if len(r.issues) != len(there) {
				t.Errorf("reader %d has %d issues of %d", i, len(r.issues), len(there))
			}
		}
	}
}
