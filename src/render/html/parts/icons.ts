import { markup, type Markup } from '../markup.ts'

/** How a value is to be read. Each tone has a shape and a colour. */
export type ReportTone = 'good' | 'notice' | 'bad' | 'none'

/** Shapes of marks in the timeline. */
export type MarkShape = 'promote' | 'rollback' | 'other' | 'refused' | 'problem' | 'open'

/** The shapes that icons and marks refer to: once for the page. */
export function renderSprites(): Markup {
  return markup`<svg class="sprites" aria-hidden="true">
    <symbol id="i-good" viewBox="0 0 16 16">
      <circle cx="8" cy="8" r="6.5" />
      <path d="M5 8.2l2.1 2.1L11 6" />
    </symbol>
    <symbol id="i-notice" viewBox="0 0 16 16">
      <path d="M8 1.8l6.6 12.2H1.4z" stroke-linejoin="round" />
      <path d="M8 6.2v3.6M8 11.2v1.3" />
    </symbol>
    <symbol id="i-bad" viewBox="0 0 16 16">
      <path d="M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2z" />
      <path d="M5.7 5.7l4.6 4.6M10.3 5.7l-4.6 4.6" />
    </symbol>
    <symbol id="i-none" viewBox="0 0 16 16">
      <circle cx="8" cy="8" r="6.5" />
      <path d="M5 8h6" />
    </symbol>
    <g id="m-promote"><circle r="5" /></g>
    <g id="m-rollback"><path d="M-6.5 0L4.5-6V6z" /></g>
    <g id="m-other"><rect x="-4" y="-4" width="8" height="8" /></g>
    <g id="m-refused"><path d="M-4.5-4.5l9 9M4.5-4.5l-9 9" fill="none" /></g>
    <g id="m-problem"><path d="M0-6.5L6.5 0 0 6.5-6.5 0z" /></g>
    <g id="m-open"><circle r="4.5" /></g>
  </svg>`
}

/** The shape of a tone, before its words. */
export function toneIcon(tone: ReportTone): Markup {
  const shape = markup`<svg class="i" aria-hidden="true"><use href="#i-${tone}" /></svg>`
  return tone === 'none' ? shape : markup`<span class="${tone}">${shape}</span>`
}

/** Words with the shape and the colour of a tone. */
export function toneWords(tone: ReportTone, words: string): Markup {
  return markup`<span class="st ${tone}"
    ><svg class="i" aria-hidden="true"><use href="#i-${tone}" /></svg>${words}</span
  >`
}
