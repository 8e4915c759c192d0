import { markup, type Markup } from '../markup.ts'

/** Renders the main numbers of a section in one row. */
export function renderNumbers(all: readonly (readonly [name: string, value: string])[]): Markup {
  return markup`<dl class="numbers">
    ${all.map(
      ([name, value]) =>
        markup`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`
}
