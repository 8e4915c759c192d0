import type { Term } from '../../../src/cli/help/command-help.ts'
import type { exitCodes } from '../../../src/cli/command/exit-codes.ts'
import { bold } from './roff.ts'

/** The meaning of each exit code. The type requires an entry for every code of the program. */
export const exitMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  done: 'Done, or nothing to do.',
  failed: 'Failed.',
  changes: 'The plan has changes, or a difference was found; only with `--detailed-exitcode`.',
  refused: 'Refused by a rule, a limit, a failed gate, or a conflict with the plan.',
  partly: 'Partly done: some images or targets are done, others are not.',
  usage: 'Wrong usage.',
  interrupted: 'Stopped by Ctrl-C, by SIGTERM, or by a declined confirmation.',
}

/** The files that dray reads and writes. */
export const files: readonly Term[] = [
  {
    label: bold('dray.yaml'),
    text: 'The configuration, in the current folder or a folder above it. `--config` and `DRAY_CONFIG` name another file.',
  },
  {
    label: bold('~/.local/state/dray/audit.jsonl'),
    text: 'The audit log. `--audit-file`, `DRAY_AUDIT_FILE` and `XDG_STATE_HOME` change its path.',
  },
  {
    label: bold('~/.cache/dray'),
    text: 'Caches, which can be deleted at any time. `XDG_CACHE_HOME` changes the path.',
  },
  {
    label: bold('~/.docker/config.json'),
    text: 'Credentials for registries, also in the files of podman and in `DOCKER_AUTH_CONFIG`.',
  },
]

/**
 * The variables that a page of `docs/` lists under a heading, with their effects as prose without
 * links. @throws Error if the page has no such table.
 */
export function variablesIn(page: string, heading: string): readonly Term[] {
  const [, rest] = page.split(`\n## ${heading}\n`)
  const rows = rest?.split('\n## ')[0]?.match(/^\| `.*\|$/gm) ?? []
  if (rows.length === 0) throw new Error(`docs/environment-variables.md has no table in "${heading}"`)
  return rows.map((row) => {
    const [name = '', effect = ''] = row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim())
    const names = [...name.matchAll(/`([^`]+)`/g)].map(([, one = '']) => bold(one))
    return { label: names.join(', '), text: asSentence(effect) }
  })
}

function asSentence(effect: string): string {
  const plain = effect
    .replaceAll(/ \(\[[^\]]*\]\([^)]*\)\)/g, '')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(String.raw`\|`, '|')
  return `${plain.charAt(0).toUpperCase()}${plain.slice(1)}.`
}
