// Writes what Go's text/template with Sprig makes of each line of ../cases.txt into ../golden.json.
package main

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

type failure struct {
	Line    int    `json:"line"`
	Column  *int   `json:"column,omitempty"`
	At      string `json:"at,omitempty"`
	Message string `json:"message"`
}

type result struct {
	Case  string   `json:"case"`
	Out   *string  `json:"out,omitempty"`
	Error *failure `json:"error,omitempty"`
}

var errorPattern = regexp.MustCompile(`(?s)^template: t:(\d+)(?::(\d+): executing "[^"]*" at <(.*?)>)?: (.*)$`)

func run(line string) result {
	r := result{Case: line}
	text := strings.ReplaceAll(line, "⏎", "\n")
	option := "missingkey=default"
	if rest, ok := strings.CutPrefix(text, "strict: "); ok {
		text, option = rest, "missingkey=error"
	}
	functions := sprig.TxtFuncMap()
	functions["now"] = func() time.Time { return time.Unix(1700000000, 123000000).UTC() }
	data := map[string]any{"Telepresence": map[string]any{"Username": "jane"}}
	var out bytes.Buffer
	t, err := template.New("t").Funcs(functions).Option(option).Parse(text)
	if err == nil {
		err = t.Execute(&out, data)
	}
	if err == nil {
		s := out.String()
		r.Out = &s
		return r
	}
	m := errorPattern.FindStringSubmatch(err.Error())
	if m == nil {
		panic(line + ": " + err.Error())
	}
	r.Error = &failure{At: m[3], Message: m[4]}
	r.Error.Line, _ = strconv.Atoi(m[1])
	if m[2] != "" {
		column, _ := strconv.Atoi(m[2])
		column++
		r.Error.Column = &column
	}
	return r
}

func main() {
	time.Local = time.UTC
	os.Clearenv()
	os.Setenv("USER", "jane")
	os.Setenv("HOST", "laptop.example")
	cases, err := os.ReadFile("../cases.txt")
	if err != nil {
		panic(err)
	}
	results := []result{}
	for _, line := range strings.Split(string(cases), "\n") {
		if line != "" && !strings.HasPrefix(line, "# ") {
			results = append(results, run(line))
		}
	}
	file, err := os.Create("../golden.json")
	if err != nil {
		panic(err)
	}
	encoder := json.NewEncoder(file)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(results); err != nil {
		panic(err)
	}
}
