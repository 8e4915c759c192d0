/** The subject of a run that promotes an image: `@staging/api`. */
export function formatImageSubject(environment: string, image: string): string {
  return `@${environment}/${image}`
}

export function parseImageSubject(subject: string): { readonly environment: string; readonly image: string } {
  const slash = subject.indexOf('/')
  return { environment: subject.slice(1, slash), image: subject.slice(slash + 1) }
}
