package app

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/peisear/peisear/internal/base/trace"
)

func TestCollector(t *testing.T) {
	t.Parallel()
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
				"OTEL_EXPORTER_OTLP_HEADERS": "key=a%3Db, other = c",
			},
			trace.Collector{Address: "https://c.example.org/t", Headers: map[string]string{"key": "a=b", "other": "c"}},
		},
	} {
		got, err := ReadConfig(from(c.env), "")
		if diff := cmp.Diff(c.want, got.collector()); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "ftp://x/", "OTEL_EXPORTER_OTLP_HEADERS": "secret",
		"METRICS_ADDR": "3001",
	} {
		_, err := ReadConfig(from(map[string]string{name: value}), "")
		if err == nil || !strings.HasPrefix(err.Error(), name+": ") || name != "METRICS_ADDR" && strings.Contains(err.Error(), value+" ") {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}
