// Package metrics collects figures for Prometheus. Each part of the program makes its
// own, keeps them as fields, and hands them over by a method Collectors; nothing is
// global. Their names begin with peisear_, and no label has more values than the program
// has operations: not one for each user or project.
package metrics

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Namespace is what our names begin with.
const Namespace = "peisear"

// askPatience is how long figures that are read from the database may take.
const askPatience = time.Second

// Registry is all figures of a process.
type Registry struct{ all *prometheus.Registry }

// New returns a registry that knows about the runtime, the process and the build.
func New(version string) *Registry {
	r := &Registry{all: prometheus.NewRegistry()}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: Namespace, Name: "build_info", Help: "Always 1; the label tells the version.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	r.Add(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Add adds a part's figures. It panics when two have one name.
func (r *Registry) Add(all ...prometheus.Collector) { r.all.MustRegister(all...) }

// Handler answers a scrape. What cannot be read is left out.
func (r *Registry) Handler() http.Handler {
	return promhttp.HandlerFor(r.all, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Names returns the names of all figures that there are now.
func (r *Registry) Names() (names []string, err error) {
	families, err := r.all.Gather()
	for _, f := range families {
		names = append(names, f.GetName())
	}
	return names, err
}

// Asked are figures that are read when somebody asks, say from the database.
type Asked struct {
	descriptions []*prometheus.Desc
	read         func(ctx context.Context, set Set) error
}

// Set gives the figure i of those that were named a value, with the values of its labels.
type Set func(i int, value float64, labels ...string)

// Figure is the name of a gauge, what it says, and its labels.
type Figure struct {
	Name, Help string
	Labels     []string
}

// Ask returns figures that read sets within a second. When it errs they are left out.
func Ask(read func(ctx context.Context, set Set) error, figures ...Figure) *Asked {
	a := &Asked{read: read}
	for _, f := range figures {
		a.descriptions = append(a.descriptions, prometheus.NewDesc(Namespace+"_"+f.Name, f.Help, f.Labels, nil))
	}
	return a
}

// Describe is for the registry.
func (a *Asked) Describe(to chan<- *prometheus.Desc) {
	for _, d := range a.descriptions {
		to <- d
	}
}

// Collect is for the registry.
func (a *Asked) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), askPatience)
	defer cancel()
	var all []prometheus.Metric
	err := a.read(ctx, func(i int, value float64, labels ...string) {
		all = append(all, prometheus.MustNewConstMetric(a.descriptions[i], prometheus.GaugeValue, value, labels...))
	})
	if err != nil {
		return
	}
	for _, m := range all {
		to <- m
	}
}
