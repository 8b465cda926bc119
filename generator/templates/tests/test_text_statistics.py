    def test_{{ id }}_counts(self) -> None:
        counts = {"characters": 14, "words": 3, "lines": 2}
        self.assertEqual(json.loads(tools.{{ id }}("one two\nthree\n")), counts)
        self.assertEqual(json.loads(tools.{{ id }}("")), {"characters": 0, "words": 0, "lines": 0})
