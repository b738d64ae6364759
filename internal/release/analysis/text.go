// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// percent rounds down, so that what is below a bound never reads as if it reached it.
func percent(p float64, digits int) string {
	scale := math.Pow(10, float64(digits))
	return strconv.FormatFloat(math.Floor(p*scale+1e-6)/scale, 'f', -1, 64) + " %"
}

// roundUp is percent for what must not exceed its bound.
func roundUp(p float64, digits int) string {
	scale := math.Pow(10, float64(digits))
	return strconv.FormatFloat(max(math.Ceil(p*scale-1e-6), 0)/scale, 'f', -1, 64) + " %"
}

// decimals is how many digits after the point a measurement needs beside its bound: two, or one more than the bound's.
func decimals(bound float64) int {
	_, after, found := strings.Cut(strconv.FormatFloat(bound, 'f', -1, 64), ".")
	if !found {
		return 2
	}
	return min(max(2, len(after)+1), 6)
}

// about rounds up to three digits or so, so that what is above a bound never reads as if it kept to it.
func about(d time.Duration) string {
	step := 10 * time.Millisecond
	switch {
	case d < 10*time.Millisecond:
		step = 100 * time.Microsecond
	case d < time.Second:
		step = time.Millisecond
	}
	if rest := d % step; rest > 0 {
		d += step - rest
	}
	return exactly(d)
}

// exactly words a duration in the unit people compare latencies in.
func exactly(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
}

// root is what went wrong at first. What is wrapped around it tells the query, which differs from one judgement to the
// next; the same trouble should read the same.
func root(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 200 {
		return string(r[:199]) + "…"
	}
	return s
}
