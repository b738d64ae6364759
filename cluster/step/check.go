// SPDX-License-Identifier: Apache-2.0

package step

import "fmt"

// Check reports a list that can't be run: a name used twice, a need nobody fulfills, or steps that need each other.
func Check(steps []Step) error {
	byName := map[string]Step{}
	for _, s := range steps {
		if _, twice := byName[s.Name]; twice {
			return fmt.Errorf("two steps are named %q: give one of them another name", s.Name)
		}
		byName[s.Name] = s
	}
	state := map[string]int{}
	for _, s := range steps {
		if err := visit(s.Name, byName, state); err != nil {
			return err
		}
	}
	return nil
}

const (
	open = iota + 1
	closed
)

func visit(name string, byName map[string]Step, state map[string]int) error {
	switch state[name] {
	case closed:
		return nil
	case open:
		return fmt.Errorf("step %q needs itself, directly or through others", name)
	}
	state[name] = open
	for _, need := range byName[name].Needs {
		if _, known := byName[need]; !known {
			return fmt.Errorf("step %q needs %q, which is no step of the list", name, need)
		}
		if err := visit(need, byName, state); err != nil {
			return err
		}
	}
	state[name] = closed
	return nil
}
