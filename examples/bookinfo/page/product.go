// SPDX-License-Identifier: Apache-2.0

package page

// Product is a book on the shelf, as productpage itself knows it.
type Product struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Summary string `json:"summary"`
	// Hue colors the cover, in degrees of the color circle.
	Hue int `json:"-"`
}

var products = []Product{
	{
		ID: "0", Title: "The Comedy of Errors", Hue: 14,
		Summary: "A merchant of Syracuse has one day to find a ransom. His two sons, alike to the hair, have one day too, in the " +
			"same city, each unaware of the other, each with a servant who is alike to the hair as well. By noon there is a gold " +
			"chain nobody ordered, by dusk a wife at dinner with the wrong husband.",
	},
	{
		ID: "1", Title: "As You Like It", Hue: 140,
		Summary: "Banished from court, Rosalind puts on a doublet, walks into the forest of Arden, and teaches the man who loves " +
			"her how to court a lady, without telling him which one.",
	},
	{
		ID: "2", Title: "The Tempest", Hue: 205,
		Summary: "A duke who lost his dukedom to his books raises a storm, and brings everyone who wronged him to one island. " +
			"He has an afternoon to decide what to do with them.",
	},
	{
		ID: "3", Title: "Twelfth Night", Hue: 275,
		Summary: "Viola, shipwrecked, takes service with a duke as a boy, carries his love letters to a countess, and is the one " +
			"the countess falls in love with. A steward in yellow stockings has hopes too.",
	},
}

func productOf(id string) (Product, bool) {
	for _, p := range products {
		if p.ID == id {
			return p, true
		}
	}
	return Product{}, false
}
