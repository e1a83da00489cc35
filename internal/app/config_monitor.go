package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/peisear/peisear/internal/base/trace"
)

func monitorSettings() []setting {
	return []setting{
		{"METRICS_ADDR", "127.0.0.1:3001", "address:port where /metrics is served for Prometheus, or off", false, setMetricsAddr},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "", "an OpenTelemetry collector, http://localhost:4318; without it there are no traces", false, setCollector},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "", "the whole address of its traces, where that is not /v1/traces there", false, setTraces},
		{"OTEL_EXPORTER_OTLP_HEADERS", "", "what it wants to be sent, name=value, separated by commas", true, setCollectorHeaders},
		{"OTEL_SERVICE_NAME", "", "what traces call this program; peisear when missing", false, setServiceName},
		{"OTEL_RESOURCE_ATTRIBUTES", "", "what else they say about it, name=value, separated by commas", false, setResourceAttributes},
		{"OTEL_TRACES_SAMPLER", "", "which are sent: always_on, always_off, traceidratio, or one of these with parentbased_ before it; parentbased_always_on when missing", false, setSampler},
		{"OTEL_TRACES_SAMPLER_ARG", "", "how many for traceidratio, 0 to 1", false, setSamplerArg},
	}
}

func setMetricsAddr(c *Config, value string) error {
	if c.MetricsAddr = value; value == noMetrics {
		return nil
	}
	if _, _, err := net.SplitHostPort(value); err != nil {
		return fmt.Errorf("%q is neither of that form nor off", value)
	}
	return nil
}

func setCollector(c *Config, value string) (err error) {
	c.CollectorEndpoint, err = checkedCollector(value)
	return err
}

func setTraces(c *Config, value string) (err error) {
	c.TracesEndpoint, err = checkedCollector(value)
	return err
}

// checkedCollector repeats nothing of the address: it may hold a key.
func checkedCollector(value string) (string, error) {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return "", errors.New("is not an http or https URL")
	}
	return value, nil
}

func setCollectorHeaders(c *Config, value string) (err error) {
	c.CollectorHeaders, err = pairs(value)
	return err
}

func setServiceName(c *Config, value string) error {
	c.ServiceName = value
	return nil
}

func setResourceAttributes(c *Config, value string) (err error) {
	c.ResourceAttributes, err = pairs(value)
	return err
}

func setSampler(c *Config, value string) error {
	c.Sampler = value
	_, err := trace.NewSampler(value, "")
	return err
}

func setSamplerArg(c *Config, value string) error {
	c.SamplerArg = value
	_, err := trace.NewSampler("", value)
	return err
}

// pairs reads name=value, separated by commas, with percent signs as in addresses. It
// repeats nothing: there may be a key.
func pairs(value string) (map[string]string, error) {
	all := map[string]string{}
	for item := range strings.SplitSeq(value, ",") {
		name, text, ok := strings.Cut(strings.TrimSpace(item), "=")
		decoded, err := url.PathUnescape(strings.TrimSpace(text))
		if name = strings.TrimSpace(name); !ok || name == "" || err != nil {
			return nil, errors.New("is not of that form")
		}
		all[name] = decoded
	}
	return all, nil
}
