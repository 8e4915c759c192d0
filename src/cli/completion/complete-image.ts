import type { CommandLineState } from './command-line-state.ts'
import type { Completion, CompletionSources } from './completion.ts'
import type { ImageForm } from './value-kinds.ts'

/** Lists of tags have no end that a person reads. */
const maxTags = 100

/** Completes an argument that names an image, a repository or an environment. */
export async function completeImage(
  form: ImageForm,
  current: string,
  state: CommandLineState,
  sources: CompletionSources,
): Promise<Completion> {
  if (current.startsWith('oci:')) return { candidates: [], paths: 'folders' }
  const [, image, tag] = /^(@?[^@]*?[^@/:]):([^@/:]*)$/.exec(current) ?? []
  if (image === undefined || tag === undefined) return await completeWithoutTag(form, current, sources)
  if (!form.hasTags || isHost(image)) return await completeWithoutTag(form, current, sources)
  const environments = await environmentsOf(state, sources)
  const tags = (await sources.tags(image, environments)).filter((name) => name.startsWith(tag))
  return { candidates: tags.slice(0, maxTags).map((name) => ({ value: `${image}:${name}` })) }
}

async function completeWithoutTag(
  { hasBareNames, hasTags, hasEnvironments }: ImageForm,
  current: string,
  sources: CompletionSources,
): Promise<Completion> {
  const { environments, images, repositories } = await sources.names()
  const [environment, ...rest] = current.startsWith('@') ? current.slice(1).split('/') : []
  if (rest.length > 0)
    return listed(
      images.map((image) => `@${environment}/${image}`),
      hasTags,
    )
  const found = [
    ...(hasBareNames ? images : []),
    ...environments.flatMap((name) => (hasEnvironments ? [`@${name}`, `@${name}/`] : [`@${name}/`])),
    // Most people name an environment, so references of registries come after the first letter.
    ...(current === '' ? [] : repositories),
  ].filter((name) => name.startsWith(current))
  return listed(found, hasTags || found.some((name) => name.endsWith('/')))
}

/** The environments of a bare name: those of the flags, otherwise all except the destination. */
export async function environmentsOf(
  { given }: CommandLineState,
  sources: CompletionSources,
): Promise<readonly string[]> {
  const selected = [...(given.get('env') ?? []), ...(given.get('from') ?? [])]
  if (selected.length > 0) return selected.map((name) => name.replace(/^@/, ''))
  const destinations = new Set((given.get('to') ?? []).map((name) => name.replace(/^@/, '')))
  return (await sources.names()).environments.filter((name) => !destinations.has(name))
}

/** Whether a colon after the text begins a port. */
function isHost(text: string): boolean {
  return !text.includes('/') && (text.includes('.') || text === 'localhost')
}

function listed(values: readonly string[], canContinue: boolean): Completion {
  return { candidates: values.map((value) => ({ value })), canContinue }
}
