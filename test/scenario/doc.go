// SPDX-License-Identifier: Apache-2.0

// Package scenario reads releases that are told as scripts that anyone can read: what is seen when, and what the release
// does then. Tests play them against the engine with a clock of its own, so that an hour takes milliseconds, and some on a
// real cluster. README.md tells the words.
package scenario
