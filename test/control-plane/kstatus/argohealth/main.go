// Command argohealth runs a health script as Argo CD does: argohealth SCRIPT < object.json prints the status, a tab
// and the message. Exit code 2: the script fails, takes longer than a second, or returns something else.
//
// A script from Argo CD's ConfigMap has the libraries base, package and table and no others: no string, no math. So
// has it here.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	lua "github.com/yuin/gopher-lua"
)

var statuses = map[string]bool{
	"Healthy": true, "Progressing": true, "Degraded": true, "Suspended": true, "Missing": true, "Unknown": true,
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: argohealth SCRIPT < object.json")
		os.Exit(2)
	}
	if err := judge(os.Args[1], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "argohealth: %v\n", err)
		os.Exit(2)
	}
}

func judge(script string, in io.Reader, out io.Writer) error {
	var object map[string]any
	if err := json.NewDecoder(in).Decode(&object); err != nil {
		return err
	}
	interpreter := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer interpreter.Close()
	if err := openLibraries(interpreter); err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	interpreter.SetContext(limit)
	interpreter.SetGlobal("obj", toLua(interpreter, object))
	if err := interpreter.DoFile(script); err != nil {
		return err
	}
	answer, isTable := interpreter.Get(-1).(*lua.LTable)
	if !isTable {
		return fmt.Errorf("%s returns no table", script)
	}
	status := lua.LVAsString(answer.RawGetString("status"))
	if !statuses[status] {
		return fmt.Errorf("%s returns the unknown status %q", script, status)
	}
	_, err := fmt.Fprintf(out, "%s\t%s\n", status, lua.LVAsString(answer.RawGetString("message")))
	return err
}

func openLibraries(interpreter *lua.LState) error {
	libraries := map[string]lua.LGFunction{
		lua.BaseLibName: lua.OpenBase, lua.LoadLibName: lua.OpenPackage, lua.TabLibName: lua.OpenTable,
	}
	// The package library comes first: the others enter themselves there.
	for _, name := range []string{lua.LoadLibName, lua.BaseLibName, lua.TabLibName} {
		open := lua.P{Fn: interpreter.NewFunction(libraries[name]), Protect: true}
		if err := interpreter.CallByParam(open, lua.LString(name)); err != nil {
			return err
		}
	}
	return nil
}

// toLua: null and what JSON has not become nil; arrays begin at 1.
func toLua(interpreter *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case string:
		return lua.LString(value)
	case float64:
		return lua.LNumber(value)
	case bool:
		return lua.LBool(value)
	case map[string]any:
		table := interpreter.NewTable()
		for key, member := range value {
			table.RawSetString(key, toLua(interpreter, member))
		}
		return table
	case []any:
		table := interpreter.NewTable()
		for _, member := range value {
			table.Append(toLua(interpreter, member))
		}
		return table
	}
	return lua.LNil
}
