// Command kstatus tells what Flux and Helm 4 make of an object: it reads the JSON of one object and prints one of
// Current, InProgress, Failed, Terminating, Unknown, a tab, and the reason in words. Exit code 2: not an object.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func main() {
	if err := judge(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "kstatus: %v\n", err)
		os.Exit(2)
	}
}

func judge(in io.Reader, out io.Writer) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	var object unstructured.Unstructured
	// Not encoding/json: a generation has to stay a whole number.
	if err := object.UnmarshalJSON(text); err != nil {
		return err
	}
	result, err := status.Compute(&object)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\t%s\n", result.Status, result.Message)
	return err
}
