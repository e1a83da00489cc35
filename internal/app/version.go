package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime/debug"
)

type versionCommand struct{}

// Run prints what was built, from what and with what.
func (*versionCommand) Run(p *process) error {
	_, err := fmt.Fprintln(p.stdout, "peisear", version())
	return err
}

// version is the module's version, or the commit for a build from a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	text := info.Main.Version
	if text == "" {
		text = "(devel)"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			text += " " + s.Value
		}
	}
	return text + " " + info.GoVersion
}

// indented makes JSON readable, and a change in it a small difference.
func indented(text []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Indent(&out, text, "", "  ")
	return out.Bytes(), err
}
