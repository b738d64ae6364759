// SPDX-License-Identifier: Apache-2.0

// Package scenario holds releases as scripts that anyone can read: what is seen when, and what the release does then.
// A test plays them against the engine with a clock of its own, so an hour takes milliseconds. README.md tells the words.
package scenario
