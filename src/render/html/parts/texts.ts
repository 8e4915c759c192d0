import type { ErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { formatReason } from '../../error.ts'
import { shortenHex } from '../../text/format.ts'
import { type Content, markup, type Markup } from '../markup.ts'
import { type ReportTone, toneWords } from './icons.ts'

export function code(text: string): Markup {
  return markup`<code>${text}</code>`
}

/** The first digits, with the whole digest as a tooltip. */
export function shortDigest(digest: Digest): Markup {
  return markup`<code title="${digest}">${shortenHex(digest)}</code>`
}

/** `2026-03-04 05:06`, of an ISO time in UTC. */
export function minuteOf(time: string): Markup {
  return markup`<time datetime="${time}" class="nw">${time.slice(0, 10)} ${time.slice(11, 16)}</time>`
}

/**
 * Text that is a link if all of it is an https URL without credentials. Other text stays text, also
 * if it contains a URL.
 */
export function linkOrText(text: string, label = text): Markup {
  if (!/^https:\/\/[^\s"'<>\\]+$/.test(text) || !URL.canParse(text)) return markup`${label}`
  const { username, password, href } = new URL(text)
  if (username !== '' || password !== '') return markup`${label}`
  return markup`<a href="${href}" rel="noopener noreferrer">${label}</a>`
}

/** A framed remark with a title. */
export function renderNote(tone: ReportTone, title: string, body?: Content): Markup {
  return markup`<div class="note ${tone}">
    <p class="t">${toneWords(tone, title)}</p>
    ${body}
  </div>`
}

/** The error in the place of what could not be read. */
export function renderErrorNote(error: ErrorInfo, tone: ReportTone = 'bad', title?: string): Markup {
  const { message, subject, details = [], hint } = error
  const lines = textLines(message)
  const reason = formatReason(error)
  const isRepeated = subject === undefined || `${message}${reason ?? ''}`.includes(subject)
  const head = `${lines[0] ?? ''}${isRepeated ? '' : `: ${subject}`}`
  const more = [...lines.slice(1), ...details]
  return renderNote(
    tone,
    title ?? head,
    markup`${title !== undefined && markup`<p>${head}</p>`}${
      more.length > 0 &&
      markup`<ul>
        ${more.map((line) => markup`<li>${line}</li>`)}
      </ul>`
    }${
      reason !== undefined && markup`<p><b>Why:</b> ${reason}</p>`
    }${hint !== undefined && markup`<p><b>Fix:</b> ${hint}</p>`}`,
  )
}

function textLines(text: string): readonly string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== '')
}

/** The command that shows the same values, and what else they depend on. */
export function renderSource(command: string, more: readonly Content[] = []): Markup {
  return markup`<p class="source small muted">
    Source: ${code(command)}${more.map((part) => markup` · ${part}`)}
  </p>`
}
