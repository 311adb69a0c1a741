// The text is spoken, where the browser recognizes speech; where it doesn't, there is no button.
const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
const button = element.querySelector("button");
button.hidden = Recognition === undefined;
button.addEventListener("click", () => {
  const recognition = new Recognition();
  recognition.lang = navigator.language;
  button.classList.add("hs-listening");
  recognition.addEventListener("result", ({ results }) => {
    props.value = results[0][0].transcript;
    trigger("submit");
  });
  recognition.addEventListener("error", ({ error }) => { button.title = `Speech can't be recognized (${error}).`; });
  recognition.addEventListener("end", () => button.classList.remove("hs-listening"));
  recognition.start();
});
