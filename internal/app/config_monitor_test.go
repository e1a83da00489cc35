package app

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/trace"
)

func TestCollector(t *testing.T) {
	t.Parallel()
	quarter, err := trace.NewSampler("traceidratio", "0.25")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env  map[string]string
		want trace.Collector
	}{
		"nothing": {nil, trace.Collector{}},
		"base": {
			map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318/"},
			trace.Collector{Address: "http://localhost:4318/v1/traces"},
		},
		"whole": {
			map[string]string{
				"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c.example.org/t",
				"OTEL_EXPORTER_OTLP_HEADERS": "key=a%3Db, other = c", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25",
				"OTEL_RESOURCE_ATTRIBUTES": "service.name=other,deployment.environment.name=test", "OTEL_SERVICE_NAME": "tracker",
			},
			trace.Collector{
				Address: "https://c.example.org/t", Headers: map[string]string{"key": "a=b", "other": "c"}, Sampler: quarter,
				Attributes: map[string]string{"service.name": "tracker", "deployment.environment.name": "test"},
			},
		},
	} {
		config, err := ReadConfig(from(c.env), "")
		got := config.collector()
		delete(got.Attributes, "service.instance.id")
		delete(got.Attributes, "service.version")
		if c.want.Attributes == nil {
			c.want.Attributes = map[string]string{"service.name": "peisear"}
		}
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "ftp://x/", "OTEL_EXPORTER_OTLP_HEADERS": "secret",
		"METRICS_ADDR": "3001", "OTEL_RESOURCE_ATTRIBUTES": "secret", "OTEL_TRACES_SAMPLER": "some", "OTEL_TRACES_SAMPLER_ARG": "2",
	} {
		_, err := ReadConfig(from(map[string]string{name: value}), "")
		if err == nil || !strings.HasPrefix(err.Error(), name+": ") || value == "secret" && strings.Contains(err.Error(), value) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}
