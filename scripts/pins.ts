/**
 * Writes the version of package.json and the addresses of src/cli/project.ts into the pages and the
 * CI configuration for users. `npm version` runs it. With `npm run pins`, it runs after a change of
 * the addresses.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { project } from '../src/cli/project.ts'
import { readProduct } from './release/product.ts'

/** Where dray is published, and in which version. */
export interface Published {
  readonly version: string
  readonly repository: string
  readonly image: string
  /** in `uses:` of a workflow */
  readonly action: string
}

const root = join(import.meta.dirname, '..')
/** The files that name a version or an address. */
export const pinnedFiles = ['README.md', 'docs/**/*.md', 'action.yml', 'templates/*.yml', 'tekton/*.yaml']

const version = String.raw`\d+\.\d+\.\d+(?:-[\w.-]*\w)?`

/** Returns the text with these addresses and this version wherever it names others. */
export function withPins(text: string, { version: newest, repository, image, action }: Published): string {
  const [account = ''] = action.split('/')
  const before = (pattern: string): RegExp => new RegExp(`(?<=${pattern})${version}`, 'g')
  return (
    text
      .replaceAll(/https:\/\/github\.com\/[\w-]+\/dray(?![\w-])/g, repository)
      .replaceAll(/ghcr\.io\/[\w-]+\/dray(?![\w-])/g, image)
      .replaceAll(/(?<=uses: |repos\/|--repo |--signer-workflow )[\w-]+\/dray(?![\w-])/g, action)
      .replaceAll(
        /[\w-]+(?=\/tap\/dray\b)|(?<=github\.com\/)[\w-]+(?=\/(?:homebrew-tap|scoop-bucket)\b)/g,
        account,
      )
      .replaceAll(/(?<=winget \w+ |`)[\w-]+(?=\.dray(?:`|\.\w|\s|$))/g, account)
      .replaceAll(before(String.raw`(?<![\w/.-])dray@`), newest)
      .replaceAll(before(String.raw`\bdray_`), newest)
      .replaceAll(before(String.raw`ghcr\.io/[\w-]+/dray:`), newest)
      .replaceAll(before(String.raw`uses: [\w-]+/dray@(?:[0-9a-f]{40} # )?v`), newest)
      .replaceAll(before(String.raw`/dray/(?:releases/download|raw|commits)/v`), newest)
      .replaceAll(before(String.raw`/dray/(?:promote|prune)@`), newest)
      .replaceAll(before(String.raw`git clone --branch v`), newest)
      // Output of dray.
      .replaceAll(before(String.raw`(?<![\w/.-])dray/|"tool": ?"`), newest)
      .replaceAll(before(String.raw`app\.kubernetes\.io/version: "?`), newest)
  )
}

/** The addresses of src/cli/project.ts and the version of package.json. */
export function published(): Published {
  return { ...project, version: readProduct().version }
}

function main(): void {
  const current = published()
  for (const file of globSync(pinnedFiles, { cwd: root })) {
    const path = join(root, file)
    const text = readFileSync(path, 'utf8')
    const pinned = withPins(text, current)
    if (pinned === text) continue
    writeFileSync(path, pinned)
    console.log(file)
  }
}

if (import.meta.main) main()
