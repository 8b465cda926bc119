    def test_{{ id }}_has_the_offset_asked_for(self) -> None:
        self.assertRegex(tools.{{ id }}(), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$")
        self.assertRegex(tools.{{ id }}("-03:30"), "-03:30$")

    def test_{{ id }}_refuses_what_is_no_offset(self) -> None:
        with self.assertRaisesRegex(ValueError, "must look like"):
            tools.{{ id }}("Oslo")
