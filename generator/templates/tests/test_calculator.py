    def test_{{ id }}_knows_arithmetic(self) -> None:
        expressions = {"(2 + 3) * 4": "20", "10/4": "2.5", "-2**2": "-4", "7 // 2": "3", "0.1 + 0.2": "0.30000000000000004"}
        for expression, value in expressions.items():
            self.assertEqual(tools.{{ id }}(expression), value)

    def test_{{ id }}_says_what_it_cannot_compute(self) -> None:
        for expression, message in {"1/0": "division by zero", "2 +": "not an", "__import__('os')": "not an"}.items():
            with self.assertRaisesRegex(ValueError, message):
                tools.{{ id }}(expression)
