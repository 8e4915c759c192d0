import type { EditPlan, ValueEdit } from '../../plan/edits/edit-step.ts'
import type { CommitOutcome } from '../../plan/edits/editing-plan.ts'
import { escapeText } from '../text/escape.ts'
import { formatCount } from '../text/format.ts'
import type { Page } from '../text/style.ts'
import { type Cell, renderTable } from '../text/table.ts'

const columns = [
  { title: '' },
  { title: '', flexible: true, keep: 24 },
  { title: '', flexible: true, keep: 40 },
]

/** The values of one file: line, place, and `before -> after`. */
export function renderEdits(edits: readonly ValueEdit[], page: Page): string {
  const width = page.width === undefined ? undefined : page.width - indent.length
  const rows = edits.map((edit): Cell[] => [
    { text: `line ${edit.line}`, tone: 'dim' },
    `${documentOf(edit)}${escapeText(edit.place)}`,
    { text: changeOf(edit), tone: 'yellow' },
  ])
  return renderTable(columns, rows, { style: page.style, width }).replaceAll(/^/gm, indent)
}

const indent = '  '

/** Only a file with several documents has a second one. */
function documentOf({ document }: ValueEdit): string {
  return document === 1 ? '' : `document ${document}: `
}

function changeOf({ before, after }: ValueEdit): string {
  if (before === null) return `new: ${shown(after)}`
  const name = commonName(before, after)
  const former = before.slice(name.length)
  return `${former === '' ? 'empty' : shown(former)} -> ${shown(after.slice(name.length))}`
}

/**
 * The name of an image that a text has before and after: `r.example.com/api:` or
 * `r.example.com/api`. An edit does not change it.
 */
function commonName(before: string, after: string): string {
  const name = /^[^@]*\/[^:@/]*/.exec(after)?.[0] ?? ''
  if (!before.startsWith(name)) return ''
  const hasTag = [before, after].every((text) => text[name.length] === ':')
  return hasTag ? `${name}:` : name
}

/** A text of a file, with its digests shortened. */
function shown(text: string): string {
  return escapeText(text.replaceAll(longHash, '$1'))
}

/** The first twelve digits of a digest, with or without its algorithm, and the others. */
const longHash = /\b([0-9a-f]{12})[0-9a-f]{52,116}\b/g

/** `2 values in 1 file`. */
export function formatEditCount({ steps }: Pick<EditPlan, 'steps'>): string {
  const values = steps.reduce((sum, { edits }) => sum + edits.length, 0)
  return `${formatCount(values, 'value')} in ${formatCount(steps.length, 'file')}`
}

/** How the edits of a plan are committed, as an imperative. */
export function formatGitRequest({ git }: Pick<EditPlan, 'git'>): string | undefined {
  if (git === undefined) return undefined
  const branch = git.branch === undefined ? '' : ` to ${escapeText(git.branch)}`
  const message = JSON.stringify(escapeText(git.message))
  const texts = {
    commit: `commit${branch} as ${message}`,
    push: `commit and push${branch} as ${message}`,
    pullRequest: `open a pull request${branch} as ${message}`,
  }
  return texts[git.mode]
}

/** The commit, branch and pull request of edits. */
export function formatCommit({ id, branch, isPushed, pullRequest }: CommitOutcome): readonly string[] {
  const at = escapeText(branch)
  const commit =
    id === undefined
      ? `Nothing to commit: ${at} has the edits.`
      : `Committed ${escapeText(id.slice(0, 12))} on ${at}${isPushed ? ' and pushed' : ''}.`
  const request =
    pullRequest === undefined
      ? []
      : [
          `${pullRequest.isOpen ? 'Pull request' : 'Open the pull request at'}: ${escapeText(pullRequest.url)}`,
        ]
  return [commit, ...request]
}
