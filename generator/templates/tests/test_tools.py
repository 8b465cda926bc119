"""What each tool does by itself."""

{{ imports }}

class Tools(unittest.TestCase):
{{ cases }}


if __name__ == "__main__":
    unittest.main()
