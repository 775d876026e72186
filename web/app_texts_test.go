package web

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	_ "github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// appFolders are those that pages are built from. Texts that common has are for all pages.
var appFolders = []string{"common", "account/app", "admin/app"}

// textsIn are the texts in a language that a script of a folder finds.
func textsIn(t *testing.T, folder, language string) map[string]string {
	t.Helper()
	texts := textsOf(t, "common/texts/"+language+".json")
	maps.Copy(texts, textsOf(t, folder+"/texts/"+language+".json"))
	return texts
}

// TestApps_EachTextIsThereInEachLanguage, with the same values in it, and is not the English one.
func TestApps_EachTextIsThereInEachLanguage(t *testing.T) {
	values := regexp.MustCompile(`\{\w+\}`)
	sorted := func(text string) string {
		return strings.Join(slices.Sorted(slices.Values(values.FindAllString(text, -1))), " ")
	}
	first := func(texts map[string]string) map[string]bool { // what one page replaces of the other is a whole part
		names := map[string]bool{}
		for name := range texts {
			name, _, _ = strings.Cut(name, ".")
			names[name] = true
		}
		return names
	}
	for _, folder := range appFolders {
		english := textsOf(t, folder+"/texts/en.json")
		for _, language := range languages[1:] {
			words := textsOf(t, folder+"/texts/"+language+".json")
			testenv.Equal(t, slices.Sorted(maps.Keys(english)), slices.Sorted(maps.Keys(words)), "texts of %s in %s", folder, language)
			for name, text := range words {
				if text == "" || text == english[name] {
					t.Errorf("%s in %s: %s is %q", folder, language, name, text)
				}
				testenv.Equal(t, sorted(english[name]), sorted(text), "values in %s of %s", name, language)
			}
		}
		for name := range first(english) {
			if folder != "common" && first(textsOf(t, "common/texts/en.json"))[name] {
				t.Errorf("%s and common have both %s", folder, name)
			}
		}
		if len(english) < 80 {
			t.Errorf("%s: %d texts", folder, len(english))
		}
	}
}

// sources are the files of a folder that scripts are built from, by their names.
func sources(folder string) map[string]string {
	files := map[string]string{}
	for _, name := range append(must(filepath.Glob(folder+"/*.jsx")), must(filepath.Glob(folder+"/*.js"))...) {
		files[name] = read(name)
	}
	return files
}

var namedText = regexp.MustCompile("[^a-zA-Z]t\\(\\s*(?:[\\w.]+ \\? )?(?:'([\\w.]+)'(?: : '([\\w.]+)')?|`([\\w.]*)\\$\\{)")

// TestApps_HaveEachTextThatTheyName, and name each that they have; those with a part that is computed by their
// beginning.
func TestApps_HaveEachTextThatTheyName(t *testing.T) {
	all, found := map[string]bool{}, 0 // what any script names, for the texts of common
	for _, folder := range []string{"account/app", "admin/app", "common"} {
		texts := textsIn(t, folder, "en")
		if folder == "common" { // its scripts may name what each page has
			texts["nav"] = textsIn(t, "admin/app", "en")["nav"]
		}
		named, beginnings := map[string]bool{"title": true, "nav": true, "noScript": true}, []string{}
		if folder == "common" {
			named = all
		}
		for file, source := range sources(folder) {
			for _, match := range namedText.FindAllStringSubmatch(source, -1) {
				found++
				for _, name := range match[1:3] {
					named[name], all[name] = true, true
					if name != "" && texts[name] == "" {
						t.Errorf("%s: there is no text %s", file, name)
					}
				}
				if match[3] != "" {
					beginnings = append(beginnings, match[3])
				}
			}
		}
		for name := range textsOf(t, folder+"/texts/en.json") {
			computed := slices.ContainsFunc(beginnings, func(beginning string) bool { return strings.HasPrefix(name, beginning) })
			section := strings.HasSuffix(name, ".title") // of a link to a part of the page
			if !named[name] && !computed && !section && name != "noScript" {
				t.Errorf("nothing names the text %s of %s", name, folder)
			}
		}
	}
	if found < 200 {
		t.Errorf("found %d texts", found)
	}
}

// TestApps_SayEachErrorAndEventOfTheSchema in words for their readers; but errors that only a wrong client gets.
func TestApps_SayEachErrorAndEventOfTheSchema(t *testing.T) {
	schema := apiSchema(t)
	english := textsOf(t, "common/texts/en.json")
	ours := []string{"LIMIT_EXCEEDED", "PERSISTED_QUERY_NOT_SUPPORTED", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "INTERNAL"}
	for _, enum := range []string{"ErrorCode", "InputProblem"} {
		for _, value := range schema.Types[enum].EnumValues {
			if !slices.Contains(ours, value.Name) && english["problems."+value.Name] == "" {
				t.Errorf("there is no text for %s", value.Name)
			}
		}
	}
	for _, value := range schema.Types["FactorKind"].EnumValues {
		for _, name := range []string{"secondFactor.why.", "secondFactor.by."} {
			if english[name+value.Name] == "" {
				t.Errorf("there is no text %s%s", name, value.Name)
			}
		}
	}
	admin := textsIn(t, "admin/app", "en")
	for enum, name := range map[string]string{"UserStatus": "status.", "Role": "role."} {
		for _, value := range schema.Types[enum].EnumValues {
			if admin[name+value.Name] == "" {
				t.Errorf("there is no text %s%s", name, value.Name)
			}
		}
	}
	kind := regexp.MustCompile(`EventKind = "(\w+)"`)
	for _, found := range kind.FindAllStringSubmatch(read("../internal/accounts/events.go"), -1) {
		if english["activity.kinds."+found[1]] == "" {
			t.Errorf("there is no text for the event %s", found[1])
		}
	}
}

// TestApps_OperationsAreOfTheSchema, so that a change of the schema is noticed here, and so are the coordinates by which
// the page at /admin asks what its reader may use.
func TestApps_OperationsAreOfTheSchema(t *testing.T) {
	schema := apiSchema(t)
	session := "accessToken expiresIn refreshToken device"
	operation := regexp.MustCompile("(?s)export const \\w+ = (?:'([^']*)'|`([^`]*)`);")
	for _, folder := range appFolders {
		text := read(folder + "/operations.js")
		found := operation.FindAllStringSubmatch(text, -1)
		testenv.Equal(t, strings.Count(text, "export const"), len(found), "operations")
		for _, match := range found {
			document := strings.ReplaceAll(match[1]+match[2], "${session}", session)
			query, err := parser.ParseQuery(&ast.Source{Input: document})
			if err != nil {
				t.Errorf("%s: %v", document, err)
				continue
			}
			if errs := validator.ValidateWithRules(schema, query, nil); len(errs) > 0 {
				t.Errorf("%s: %v", document, errs)
			}
		}
	}
	coordinates := regexp.MustCompile(`'(Query|Mutation)\.(\w+)'`).FindAllStringSubmatch(read("admin/app/app.jsx"), -1)
	for _, match := range coordinates {
		if schema.Types[match[1]].Fields.ForName(match[2]) == nil {
			t.Errorf("the schema has no %s", match[0])
		}
	}
	if len(coordinates) < 10 {
		t.Errorf("found %d coordinates", len(coordinates))
	}
}

func apiSchema(t *testing.T) *ast.Schema {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: read("../schema.graphql")})
	testenv.Check(t, err)
	return schema
}
