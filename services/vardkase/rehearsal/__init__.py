"""All of Sweden on one computer: real servers and links, a storm, links that are cut, and the count."""
