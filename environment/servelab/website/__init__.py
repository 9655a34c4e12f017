"""The course as web pages, built from the same sources as everything else, with nothing fetched from elsewhere."""
