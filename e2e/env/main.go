// Reads a file of variables as docker or compose does, by their own code, and prints it as JSON:
// env-readers docker FILE, env-readers compose FILE.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/docker/cli/pkg/kvfile"
)

func main() {
	variables, err := read(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(variables)
}

func read(tool, path string) (map[string]string, error) {
	if tool == "compose" {
		return dotenv.Read(path)
	}
	lines, err := kvfile.Parse(path, os.LookupEnv)
	variables := map[string]string{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, "=")
		variables[name] = value
	}
	return variables, err
}
