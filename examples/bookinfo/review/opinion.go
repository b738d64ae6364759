// SPDX-License-Identifier: Apache-2.0

package review

var opinions = map[string][]Review{
	"0": {
		{Reviewer: "Ada", Text: "Two pairs of twins, one afternoon, and not a single door left unslammed. I laughed until the dog left the room."},
		{Reviewer: "Tomasz", Text: "The shortest of the plays and the one that wastes the least time. Read it aloud, with someone who can do voices."},
	},
	"1": {
		{Reviewer: "Mei", Text: "Rosalind runs rings round everyone in the forest, and the play knows it. The best company on this shelf."},
		{Reviewer: "Jonas", Text: "Charming, if you can forgive a plot that sits down under a tree and stays there. The songs are a gift."},
	},
	"2": {
		{Reviewer: "Priya", Text: "Starts with a shipwreck, ends with forgiveness, and in between the air itself makes music. It haunted me for a week."},
		{Reviewer: "Luca", Text: "A last bow by someone who knew exactly when to put the book down. I turned back to the first page at once."},
	},
	"3": {
		{Reviewer: "Noor", Text: "Everybody loves the wrong person and says so beautifully. Poor Malvolio, though: I could not quite laugh."},
		{Reviewer: "Erik", Text: "Come for the shipwreck, stay for the stockings. Feste has the last word, and it rains in it."},
	},
}
