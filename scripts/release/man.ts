/**
 * `npm run release:man`: writes the man pages of dray and of each command to `dist/man`, from the
 * data that `--help` prints.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeCommand } from '../../src/cli/help/command-help.ts'
import { commandTable } from '../../src/cli/help/command-table.ts'
import { project } from '../../src/cli/project.ts'
import { readManifest } from '../../src/cli/program/manifest.ts'
import { isoDay, sourceDate } from './dates.ts'
import { commandManual, type Manual, pageName, programManual } from './man/pages.ts'
import { readProduct } from './product.ts'

const root = join(import.meta.dirname, '..', '..')

/**
 * The text of each page by the name of its file, such as `dray-plan-show.1`. @param date in seconds
 */
export async function renderManPages(date: number): Promise<ReadonlyMap<string, string>> {
  const { version, description } = readProduct()
  const manual: Manual = {
    version,
    description,
    day: isoDay(date),
    project,
    variablesPage: readFileSync(join(root, 'docs', 'environment-variables.md'), 'utf8'),
  }
  const commands = await readManifest()
  const groups = commandTable.map(({ title, commands: pages }) => ({
    title,
    commands: Object.keys(pages).flatMap((id) =>
      commands.filter((one) => one.id === id).map(describeCommand),
    ),
  }))
  return new Map([
    ['dray.1', programManual(groups, manual)],
    ...commands.map((command): [string, string] => {
      const help = describeCommand(command)
      return [`${pageName(help.name)}.1`, commandManual(help, manual)]
    }),
  ])
}

/** Replaces the folder of man pages. @returns the names of the files */
export async function buildManPages({
  folder = join(root, 'dist', 'man'),
  date = sourceDate(root),
} = {}): Promise<readonly string[]> {
  const pages = await renderManPages(date)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of pages) writeFileSync(join(folder, name), text)
  return [...pages.keys()]
}

if (import.meta.main) console.log(`${(await buildManPages()).length} man pages in dist/man`)
