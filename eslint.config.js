// What `make lint-web` asks of the page's JavaScript; its types are checked by tsc (tsconfig.json).

import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["docs/site/*.min.js"] },
  js.configs.recommended,
  {
    rules: {
      "eqeqeq": "error",
      "max-len": ["error", { code: 120, ignoreComments: false }],
      "max-lines": ["error", 250],
      "no-implicit-coercion": ["error", { number: true, string: true, boolean: false }],
      "no-shadow": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
  { files: ["src/veilseg/server/web/*.js", "docs/site/s*.js"], languageOptions: { globals: globals.browser } },
  { files: ["tests/web/*.{js,mjs}"], languageOptions: { globals: { ...globals.browser, ...globals.node } } },
];
