// SPDX-License-Identifier: Apache-2.0

package part

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"weir.dev/weir/cluster/part/archive"
)

// digestLength is how many hexadecimal digits of a digest name a folder.
const digestLength = 16

// plan is where each part and the whole set lie or will lie in the cache.
type plan struct {
	cache   string
	recipes []recipe
	// parts are the folders of the finished parts by name.
	parts map[string]string
	set   Set
}

// lay computes the digest of every part, and from these the folder of the set.
func lay(chosen []recipe, cache string) (plan, error) {
	p := plan{cache: cache, recipes: chosen, parts: map[string]string{}}
	digests := map[string]string{}
	var all []string
	for _, r := range chosen {
		inputs := append([]string{hostArch, r.Name, r.Version}, r.inputs...)
		for _, need := range r.needs {
			inputs = append(inputs, digests[need])
		}
		if r.host != nil {
			more, err := r.host()
			if err != nil {
				return plan{}, fmt.Errorf("part %s: %w", r.Name, err)
			}
			inputs = append(inputs, more...)
		}
		digests[r.Name] = digest(inputs)
		all = append(all, r.Name, digests[r.Name])
		p.parts[r.Name] = filepath.Join(cache, "parts", r.Name+"-"+digests[r.Name])
	}
	p.set = Set{Dir: filepath.Join(cache, digest(all))}
	return p, nil
}

// digest tells two lists of texts apart; each text is counted in with its length.
func digest(inputs []string) string {
	sum := sha256.New()
	for _, input := range inputs {
		fmt.Fprintf(sum, "%d:", len(input))
		io.WriteString(sum, input) //nolint:errcheck // a hash takes everything
	}
	return hex.EncodeToString(sum.Sum(nil))[:digestLength]
}

// complete makes the missing parts and puts the set together.
func (p plan) complete(ctx context.Context, report *reporter) error {
	if exists(p.set.Dir) {
		return nil
	}
	if err := p.checkDisk(ctx); err != nil {
		return err
	}
	sources, err := unpackSources(p.cache)
	if err != nil {
		return err
	}
	for i, r := range p.recipes {
		event := Event{Part: r.Name, Index: i + 1, Parts: len(p.recipes), Step: "start"}
		if exists(p.parts[r.Name]) {
			event.Step = "ready"
			report.begin(event)
			continue
		}
		report.begin(event)
		if err := p.build(ctx, r, job{sources: sources, report: report}); err != nil {
			return err
		}
	}
	report.begin(Event{Part: "set", Step: "put together"})
	return p.assemble()
}

// build makes one part in a draft folder that gets its final name when it is whole.
func (p plan) build(ctx context.Context, r recipe, j job) error {
	logPath := filepath.Join(p.cache, "logs", r.Name+".log")
	if err := os.MkdirAll(filepath.Dir(logPath), 0o755); err != nil {
		return err
	}
	log, err := os.Create(logPath)
	if err != nil {
		return err
	}
	defer log.Close()
	j.log, j.needs = log, p.parts
	err = draft(p.parts[r.Name], func(dir string) error {
		j.dir = dir
		return r.make(ctx, &j)
	})
	if ctx.Err() != nil {
		return fmt.Errorf("part %s: %w; finished parts are kept", r.Name, context.Cause(ctx))
	}
	if err != nil {
		return &Error{Part: r.Name, Log: logPath, Err: err}
	}
	return nil
}

// assemble links the files of all parts into one folder, and writes down what they are.
func (p plan) assemble() error {
	return draft(p.set.Dir, func(dir string) error {
		var parts []Part
		for _, r := range p.recipes {
			if err := linkTree(p.parts[r.Name], dir); err != nil {
				return fmt.Errorf("put part %s into the set: %w", r.Name, err)
			}
			parts = append(parts, r.Part)
		}
		list, err := json.MarshalIndent(parts, "", "  ")
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "parts.json"), append(list, '\n'), 0o644)
	})
}

// unpackSources lays cluster/components out below the cache, in a folder that bears its digest.
func unpackSources(cache string) (string, error) {
	dir := filepath.Join(cache, "sources", digest([]string{string(components)}))
	if exists(dir) {
		return dir, nil
	}
	return dir, draft(dir, func(to string) error { return archive.Unpack(components, to) })
}

// draft lets fill a folder under a provisional name and renames it when that has worked, so that dir is there in
// full or not at all. What an interrupted call left behind is removed.
func draft(dir string, fill func(string) error) error {
	provisional := dir + ".draft"
	if err := os.RemoveAll(provisional); err != nil {
		return err
	}
	if err := os.MkdirAll(provisional, 0o755); err != nil {
		return err
	}
	if err := fill(provisional); err != nil {
		os.RemoveAll(provisional)
		return err
	}
	return os.Rename(provisional, dir)
}

// linkTree lays the files below from out below to as hard links, so that a set costs no space.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		return os.Link(path, target)
	})
}
